//! Sums and differences of whole numbers with a unit: points and money are added alike, and never with each other.

/// Gives a newtype over `i64` its signs, addition, subtraction and sums. Overflow is a bug: the limits keep figures within 63 bits.
macro_rules! whole_sums {
    ($unit:ident) => {
        impl $unit {
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            pub const fn is_positive(self) -> bool {
                0 < self.0
            }

            /// What is left after taking `other` away, never below zero.
            #[must_use]
            pub fn less(self, other: Self) -> Self {
                if other < self { self - other } else { Self::ZERO }
            }
        }

        impl std::ops::Add for $unit {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl std::ops::Sub for $unit {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl std::ops::AddAssign for $unit {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl std::ops::SubAssign for $unit {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }

        impl std::iter::Sum for $unit {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::ZERO, std::ops::Add::add)
            }
        }
    };
}

pub(crate) use whole_sums;
