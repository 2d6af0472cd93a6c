//! Under which of the members that were merged into one something was numbered first (M3).
//!
//! Lots, orders and holds are numbered per member. A merge moves them to another member's account, where they keep their
//! number: the bits above the number say whose it is, 0 being the member's own. So ids stay what they were, and an undo
//! knows what is whose.

use std::sync::Arc;

use crate::account::{Hold, Lot, Taken};
use crate::convert::Conversion;
use crate::document::{Document, HoldNo};
use crate::entry::{CertificatePart, CreditPart, Displaced, HoldState, LotNo, LotRef, OrderNo};
use crate::posted::{Accepted, Order, Posted, Source, TakenBack};
use crate::reward::{ClaimNo, RewardClaim};

/// The place of a member among those that were merged: 0 is the one whose account it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

impl Place {
    pub const OWN: Self = Self(0);
    /// The most places of one account.
    pub const MAX: Self = Self(0x003f_ffff);
}

/// The bits of a number that count.
const BITS: u32 = 40;
const MASK: u64 = (1 << BITS) - 1;

/// A number with a place.
pub trait Placed: Copy {
    fn raw(self) -> u64;
    #[must_use]
    fn of_raw(raw: u64) -> Self;

    fn place(self) -> Place {
        Place(u32::try_from(self.raw() >> BITS).expect("24 bits"))
    }

    /// The number that its first owner gave it.
    fn within(self) -> u64 {
        self.raw() & MASK
    }

    /// The same number under another place.
    #[must_use]
    fn under(self, place: Place) -> Self {
        Self::of_raw(u64::from(place.0) << BITS | self.within())
    }

    /// The first number of a place.
    #[must_use]
    fn first(place: Place) -> Self {
        Self::of_raw(u64::from(place.0) << BITS | 1)
    }

    #[must_use]
    fn next(self) -> Self {
        Self::of_raw(self.raw() + 1)
    }

    /// Where it comes to stand; 0, which nothing has, if it stays behind.
    #[must_use]
    fn moved(self, shift: Shift) -> Self {
        shift.of(self.place()).map_or(Self::of_raw(0), |it| self.under(it))
    }
}

macro_rules! placed {
    ($($number:ident),*) => {$(
        impl Placed for $number {
            fn raw(self) -> u64 {
                self.0
            }

            fn of_raw(raw: u64) -> Self {
                Self(raw)
            }
        }
    )*};
}

placed!(LotNo, OrderNo, HoldNo, ClaimNo);

/// Where the places of an account come to stand in another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// Its own place becomes this one, those after it follow.
    Behind(Place),
    /// This place becomes its own, those after it follow.
    Back(Place),
}

impl Shift {
    fn of(self, place: Place) -> Option<Place> {
        match self {
            Self::Behind(first) => place.0.checked_add(first.0),
            Self::Back(first) => place.0.checked_sub(first.0),
        }
        .map(Place)
    }
}

/// What names lots, orders or holds by their numbers.
pub(crate) trait Moves {
    fn move_by(&mut self, shift: Shift);
}

impl<T: Moves> Moves for Vec<T> {
    fn move_by(&mut self, shift: Shift) {
        self.iter_mut().for_each(|it| it.move_by(shift));
    }
}

impl<T: Moves + Clone> Moves for Arc<T> {
    fn move_by(&mut self, shift: Shift) {
        Arc::make_mut(self).move_by(shift);
    }
}

impl Moves for LotRef {
    fn move_by(&mut self, shift: Shift) {
        self.no = self.no.moved(shift);
    }
}

impl Moves for Lot {
    fn move_by(&mut self, shift: Shift) {
        self.at.move_by(shift);
        self.order = self.order.map(|it| it.moved(shift));
    }
}

impl Moves for Taken {
    fn move_by(&mut self, shift: Shift) {
        self.lot.move_by(shift);
    }
}

impl Moves for CreditPart {
    fn move_by(&mut self, shift: Shift) {
        self.lot.move_by(shift);
    }
}

impl Moves for CertificatePart {
    fn move_by(&mut self, shift: Shift) {
        self.lot.move_by(shift);
    }
}

impl Moves for Accepted {
    fn move_by(&mut self, shift: Shift) {
        self.certificate = self.certificate.moved(shift);
    }
}

impl Moves for Conversion {
    fn move_by(&mut self, shift: Shift) {
        self.lot.move_by(shift);
        self.taken.move_by(shift);
    }
}

impl Moves for RewardClaim {
    fn move_by(&mut self, shift: Shift) {
        self.no = self.no.moved(shift);
        self.taken.move_by(shift);
        if let Some(certificate) = &mut self.certificate {
            certificate.move_by(shift);
        }
    }
}

impl Moves for Hold {
    fn move_by(&mut self, shift: Shift) {
        self.no = self.no.moved(shift);
        if let HoldState::Taken(order) = &mut self.state {
            *order = order.moved(shift);
        }
        self.taken.move_by(shift);
    }
}

impl Moves for TakenBack {
    fn move_by(&mut self, shift: Shift) {
        if let Source::Lot(lot) = &mut self.source {
            lot.move_by(shift);
        }
    }
}

impl Moves for Displaced {
    fn move_by(&mut self, shift: Shift) {
        self.order = self.order.moved(shift);
    }
}

impl Moves for Posted {
    fn move_by(&mut self, shift: Shift) {
        if let Some(lot) = &mut self.lot {
            lot.move_by(shift);
        }
        self.taken_back.move_by(shift);
        self.redeemed.move_by(shift);
        self.displaced.move_by(shift);
        self.credit.move_by(shift);
        self.certificates.move_by(shift);
    }
}

impl Moves for Order {
    fn move_by(&mut self, shift: Shift) {
        self.no = self.no.moved(shift);
        self.posted.move_by(shift);
        self.certificates.move_by(shift);
        if let Some(document) = self.document.as_ref().filter(|it| it.hold.is_some() || it.certificates.is_some()) {
            let hold = document.hold.map(|it| it.moved(shift));
            let moved = |all: &Vec<LotNo>| all.iter().map(|it| it.moved(shift)).collect();
            let certificates = document.certificates.as_ref().map(moved);
            self.document = Some(Document { hold, certificates, ..Document::clone(document) }.into());
        }
    }
}
