import { simpleMetrics } from '@libp2p/simple-metrics'
import type { Libp2pInit } from 'libp2p'

type MetricsFactory = NonNullable<Libp2pInit['metrics']>

/** What simple-metrics makes, as far as a test reads it. */
interface Collected {
  readonly metrics: Map<string, { collect: () => Promise<unknown> }>
}

export interface ScrapedMetrics {
  /** For `createLibp2p({ metrics })`. */
  readonly metrics: MetricsFactory

  /** All values now, of the metrics whose name starts with this. */
  scrape (prefix: string): Promise<Record<string, unknown>>
}

/**
 * `@libp2p/simple-metrics`, read when a test wants it. Its wrappers of connections and streams are those of libp2p 2, whose streams
 * had a source and a sink: they are left out.
 */
export function scrapedMetrics (): ScrapedMetrics {
  let collected: Collected['metrics'] = new Map()

  const metrics = (components: Parameters<ReturnType<typeof simpleMetrics>>[0]): unknown => {
    const made = simpleMetrics({ intervalMs: 3_600_000, onMetrics: () => {} })(components)
    collected = (made as unknown as Collected).metrics

    return Object.assign(made, { trackMultiaddrConnection () {}, trackProtocolStream () {} })
  }

  return {
    metrics: metrics as MetricsFactory,

    scrape: async prefix => {
      const values: Record<string, unknown> = {}

      for (const [name, metric] of collected) {
        if (name.startsWith(prefix)) values[name] = await metric.collect()
      }

      return values
    }
  }
}
