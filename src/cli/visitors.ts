/**
 * The visitors' process: real libp2p nodes that dial the guarded one. Started by `visitor-process.ts`, and gone with it.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { loadNodePackages } from './packages.ts'
import { embody, liveAs, liveOnAndOn } from './visitor-life.ts'
import { isWelcome } from './visitor-messages.ts'
import { planVisitors } from './visitor-plan.ts'
import type { Introduction, Invitation } from './visitor-messages.ts'
import type { VisitorRole } from './visitor-plan.ts'

// Whatever ends the other process, SIGKILL too, closes the channel between us.
process.once('disconnect', () => process.exit())

// A terminal sends Ctrl-C to both: when to go is for the other one to say.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

if (!process.connected) process.exit()

const invitation = JSON.parse(process.argv[2] ?? '{}') as Invitation
const targets = { tcp: multiaddr(invitation.tcp), ws: multiaddr(invitation.ws) }
const packages = await loadNodePackages()
const visitors = planVisitors(invitation.peers, invitation.maxPerIp)
const churning = visitors.filter(({ role }) => role === 'churning')
const others = await Promise.all(visitors
  .filter(({ role }) => role !== 'churning')
  .map(async visitor => ({ visitor, node: await embody(packages, visitor) })))

process.on('message', message => {
  if (!isWelcome(message)) return

  for (const { visitor, node } of others) void liveAs(node, visitor, targets[visitor.transport])
  for (const visitor of churning) void liveOnAndOn(packages, visitor, targets[visitor.transport])
})

const introduction: Introduction = { kind: 'introduction', protected: peerIds('protected'), steady: peerIds('steady') }
process.send?.(introduction, undefined, undefined, () => {
  // nobody is there to read it: `disconnect` follows
})

function peerIds (role: VisitorRole): string[] {
  return others.filter(({ visitor }) => visitor.role === role).map(({ node }) => node.peerId.toString())
}
