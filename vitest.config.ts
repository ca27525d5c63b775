import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // js-libp2p's own suites, in test/integration/stream-gate-compliance.test.ts
  resolve: { alias: { 'aegir/chai': fileURLToPath(new URL('test/support/aegir-chai.ts', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts'],
    server: { deps: { inline: ['@libp2p/interface-compliance-tests'] } },
    // Real sockets and two cores: files that measure or flood must not starve each other.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000
  }
})
