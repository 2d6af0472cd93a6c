//! Sums over buckets: how points move between them, and that none is lost.

use crate::account::Balance;
use crate::entry::Bucket;
use crate::points::Points;

impl Balance {
    /// Moves points into a bucket (out of it when negative). `issued` is where points come from: it counts what came.
    pub(crate) fn change(&mut self, bucket: Bucket, points: Points) {
        match bucket {
            Bucket::Pending => self.pending += points,
            Bucket::Available => self.available += points,
            Bucket::Held => self.held += points,
            Bucket::Issued => self.issued -= points,
            Bucket::Redeemed => self.redeemed += points,
            Bucket::Revoked => self.revoked += points,
            Bucket::Deducted => self.deducted += points,
            Bucket::Converted => self.converted += points,
            Bucket::Expired => self.expired += points,
            Bucket::Forfeited => self.forfeited += points,
            Bucket::Moved => self.moved += points,
        }
    }

    /// Points that are neither spent nor gone.
    pub fn outstanding(&self) -> Points {
        self.pending + self.available + self.held
    }

    /// Conservation: all that was issued is here or has left into a bucket that says how.
    pub fn is_conserved(&self) -> bool {
        let left = self.redeemed + self.revoked + self.deducted + self.converted + self.expired + self.forfeited;
        self.issued == self.outstanding() + left + self.moved
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.combine(other, |sum, more| *sum += more);
    }

    pub(crate) fn subtract(&mut self, other: &Self) {
        self.combine(other, |sum, less| *sum -= less);
    }

    fn combine(&mut self, other: &Self, with: fn(&mut Points, Points)) {
        with(&mut self.pending, other.pending);
        with(&mut self.available, other.available);
        with(&mut self.held, other.held);
        with(&mut self.owed, other.owed);
        with(&mut self.let_go, other.let_go);
        with(&mut self.issued, other.issued);
        with(&mut self.redeemed, other.redeemed);
        with(&mut self.revoked, other.revoked);
        with(&mut self.deducted, other.deducted);
        with(&mut self.converted, other.converted);
        with(&mut self.expired, other.expired);
        with(&mut self.forfeited, other.forfeited);
        with(&mut self.moved, other.moved);
    }
}
