// So many addresses, through a gate or past it, in a process of its own.

import { securityGate } from '../../src/limiter.ts'
import { fakeClock } from '../../src/testing.ts'
import { memoryInUse } from './memory-in-use.ts'

const CAPACITY = 100_000

export interface Crowd {
  readonly strangers: number
  readonly capacity: number
  /** For each address. */
  readonly ns: number
  /** Bytes: the most that the process was resident with, and what is in use after all have been and gone. */
  readonly resident: number
  readonly inUse: number
  /** Or the compiler leaves the text away. */
  readonly characters: number
}

const isGuarded = process.argv[2] === 'gate'
const STRANGERS = Number(process.argv[3])
const clock = fakeClock()
const before = await memoryInUse()
const gate = securityGate({ clock, capacity: CAPACITY })
const startedAt = performance.now()
let characters = 0

for (let at = 0; at < STRANGERS; at++) {
  const bits = Math.imul(at, 0x9e3779b1) >>> 0
  const address = `${bits >>> 24}.${bits >>> 16 & 255}.${bits >>> 8 & 255}.${bits & 255}`

  if (isGuarded) visit(address, at)
  else characters += Buffer.byteLength(address)

  if (at % 1_000 === 0) clock.advance(1)
}

const ns = (performance.now() - startedAt) * 1e6 / STRANGERS
const resident = process.resourceUsage().maxRSS * 1_024
const inUse = await memoryInUse() - before
// what was counted is still there
if (gate.isBanned('192.0.2.1')) throw new Error('Banned an address that never came')

process.send!({ strangers: STRANGERS, capacity: CAPACITY, ns, resident, inUse, characters } satisfies Crowd)

function visit (address: string, id: number): void {
  if (!gate.allowConnect(address, id).allow) return

  gate.allowRequest(id, '/')
  gate.release(id)
}
