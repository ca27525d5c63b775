#!/usr/bin/env node
import { main } from './cli/main.ts'
import { connManager, connectionGater, connectionManagerDefaults } from './index.ts'

process.exitCode = await main(process.argv.slice(2), { connManager, connectionGater, connectionManagerDefaults })
