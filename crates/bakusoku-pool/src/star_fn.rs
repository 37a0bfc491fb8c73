//! [`StarFn`]: functions of several arguments that are called with a tuple, for `starmap`.

/// A function whose arguments come as the tuple `A`. Implemented for closures of two to six arguments.
pub trait StarFn<A> {
    /// What it returns.
    type Output;
    /// Calls it with the fields of `arguments`.
    fn call(&self, arguments: A) -> Self::Output;
}

macro_rules! star {
    ($($argument:ident),+) => {
        impl<F, Out, $($argument),+> StarFn<($($argument,)+)> for F
        where
            F: Fn($($argument),+) -> Out,
        {
            type Output = Out;
            #[allow(non_snake_case)] // The type's letter is the variable's too.
            fn call(&self, ($($argument,)+): ($($argument,)+)) -> Out {
                self($($argument),+)
            }
        }
    };
}

star!(A, B);
star!(A, B, C);
star!(A, B, C, D);
star!(A, B, C, D, E);
star!(A, B, C, D, E, G);
