// Ten million addresses, through a gate or past it, in a process of its own: what it was resident with at most, in bytes.

import { securityGate } from '../../src/limiter.ts'
import { fakeClock } from '../../src/testing.ts'

const STRANGERS = 10_000_000
const CAPACITY = 100_000

const clock = fakeClock(1_700_000_000_000)
const gate = securityGate({ clock, capacity: CAPACITY })
const isGuarded = process.argv[2] === 'gate'
let characters = 0
const startedAt = performance.now()

for (let at = 0; at < STRANGERS; at++) {
  const bits = Math.imul(at, 0x9e3779b1) >>> 0
  const address = `${bits >>> 24}.${bits >>> 16 & 255}.${bits >>> 8 & 255}.${bits & 255}`

  if (isGuarded) visit(address, at)
  // or the compiler leaves the text away
  else characters += Buffer.byteLength(address)

  if (at % 1_000 === 0) clock.advance(1)
}

process.send!({ ns: (performance.now() - startedAt) * 1e6 / STRANGERS, resident: process.resourceUsage().maxRSS * 1_024, characters })

function visit (address: string, id: number): void {
  if (!gate.allowConnect(address, id).allow) return

  gate.allowRequest(id, '/')
  gate.release(id)
}
