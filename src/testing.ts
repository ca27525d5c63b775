export { fakeClock } from './clock/fake-clock.ts'
export type { FakeClock } from './clock/fake-clock.ts'
export type { CancelTimer, Clock } from './clock/clock.ts'
