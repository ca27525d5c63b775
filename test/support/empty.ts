import { expect } from 'vitest'

/** An object with nothing in it. In `toMatchObject`, `{}` is any object. */
export const EMPTY: unknown = expect.toSatisfy((value: object) => Object.keys(value).length === 0, 'has nothing in it')
