//! Values that exist after a pass or a join, by typed handles.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// A value of any type.
pub(crate) type AnyValue = Arc<dyn Any + Send + Sync>;

/// A value of type `T` that will exist once something has run.
pub struct Product<T> {
    pub(crate) id: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Product<T> {
    pub(crate) fn new(id: usize) -> Self {
        Self { id, of: PhantomData }
    }
}

impl<T> Clone for Product<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Product<T> {}

/// The values that exist so far.
#[derive(Default)]
pub struct Values {
    slots: Vec<Option<AnyValue>>,
}

impl Values {
    /// The value of a product that was waited for.
    ///
    /// # Panics
    /// When a step asks for a product that it did not name among its inputs.
    pub fn get<T: 'static>(&self, product: Product<T>) -> &T {
        let slot = self.slots.get(product.id).and_then(Option::as_ref);
        slot.and_then(|value| value.downcast_ref()).expect("a step asks only for products that it waits for")
    }
    pub(crate) fn has(&self, id: usize) -> bool {
        self.slots.get(id).is_some_and(Option::is_some)
    }
    pub(crate) fn set(&mut self, id: usize, value: AnyValue) {
        if self.slots.len() <= id {
            self.slots.resize(id + 1, None);
        }
        self.slots[id] = Some(value);
    }
    pub(crate) fn any(&self, id: usize) -> Option<&AnyValue> {
        self.slots.get(id).and_then(Option::as_ref)
    }
}

/// Products that a function waits for: one, several, or a tuple of these.
pub trait Inputs: Send + Sync + 'static {
    /// What the function gets.
    type Values<'v>;
    /// Which products these are.
    fn ids(&self) -> Vec<usize>;
    /// Their values.
    fn get<'v>(&self, values: &'v Values) -> Self::Values<'v>;
}

impl Inputs for () {
    type Values<'v> = ();
    fn ids(&self) -> Vec<usize> {
        Vec::new()
    }
    fn get<'v>(&self, _values: &'v Values) -> Self::Values<'v> {}
}

impl<T: 'static> Inputs for Product<T> {
    type Values<'v> = &'v T;
    fn ids(&self) -> Vec<usize> {
        vec![self.id]
    }
    fn get<'v>(&self, values: &'v Values) -> &'v T {
        values.get(*self)
    }
}

impl<I: Inputs> Inputs for Option<I> {
    type Values<'v> = Option<I::Values<'v>>;
    fn ids(&self) -> Vec<usize> {
        self.iter().flat_map(Inputs::ids).collect()
    }
    fn get<'v>(&self, values: &'v Values) -> Self::Values<'v> {
        self.as_ref().map(|inputs| inputs.get(values))
    }
}

impl<I: Inputs> Inputs for Vec<I> {
    type Values<'v> = Vec<I::Values<'v>>;
    fn ids(&self) -> Vec<usize> {
        self.iter().flat_map(Inputs::ids).collect()
    }
    fn get<'v>(&self, values: &'v Values) -> Self::Values<'v> {
        self.iter().map(|inputs| inputs.get(values)).collect()
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        impl<$($name: Inputs),*> Inputs for ($($name,)*) {
            type Values<'v> = ($($name::Values<'v>,)*);
            fn ids(&self) -> Vec<usize> {
                [$(self.$index.ids()),*].concat()
            }
            fn get<'v>(&self, values: &'v Values) -> Self::Values<'v> {
                ($(self.$index.get(values),)*)
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
