//! Round trips of packed rows.
