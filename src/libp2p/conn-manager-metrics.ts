import type { ConnManager } from '../conn-manager/contract.ts'
import type { TrimReport } from '../conn-manager/trim-contract.ts'
import type { Metrics } from '@libp2p/interface'

interface Counted extends ConnManager {
  connectionCounts (): { inbound: number, outbound: number }
}

/**
 * Registers the manager's metrics with libp2p's. Counts are read when they are scraped; trims are counted as they end.
 */
export function registerConnManagerMetrics (metrics: Metrics, manager: Counted): void {
  metrics.registerMetricGroup('libp2p_connmgr_connections', {
    label: 'direction',
    help: 'Open connections by direction',
    calculate: () => ({ ...manager.connectionCounts() })
  })

  metrics.registerMetricGroup('libp2p_connmgr_watermarks', {
    label: 'mark',
    help: 'Marks between which the number of connections is kept',
    calculate: () => {
      const { lowWater, highWater, hardLimit } = manager.getInfo()

      return { low: lowWater, high: highWater, hard: hardLimit }
    }
  })

  metrics.registerMetric('libp2p_connmgr_protected_peers', {
    help: 'Peers under at least one protection',
    calculate: () => manager.getInfo().protectedPeers
  })

  metrics.registerMetric('libp2p_connmgr_tracked_peers', {
    help: 'Peers with a connection or a tag',
    calculate: () => manager.getInfo().trackedPeers
  })

  const trims = metrics.registerCounter('libp2p_connmgr_trims_total', { help: 'Trims that ended, empty ones included' })
  const trimmed = metrics.registerCounterGroup('libp2p_connmgr_trimmed_connections_total', { label: 'reason', help: 'Connections chosen by trims, by the rule that decided' })
  const duration = metrics.registerHistogram('libp2p_connmgr_trim_duration_seconds', { help: 'From the decision to the last connection closed' })

  manager.addEventListener('trim', ({ detail }) => {
    trims.increment()
    trimmed.increment(countByReason(detail))
    duration.observe(detail.duration / 1_000)
  })
}

function countByReason ({ entries }: TrimReport): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { reason } of entries) counts[reason] = (counts[reason] ?? 0) + 1

  return counts
}
