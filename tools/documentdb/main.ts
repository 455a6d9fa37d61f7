// The gateway as a process of its own: node tools/documentdb/main.ts --postgres-port 5432 [--port 27017]
// Prints its URL as the first line. It ends with SIGTERM, SIGINT, the `shutdown` command, and with
// `--until-stdin-closes` when the process that started it is gone, however that one ended.
import { parseArgs } from 'node:util';
import { DEFAULT_REPLICA_SET, startGateway } from './gateway.ts';

const { values } = parseArgs({
  options: {
    'postgres-port': { type: 'string' },
    port: { type: 'string', default: '0' },
    'replica-set': { type: 'string', default: DEFAULT_REPLICA_SET },
    'until-stdin-closes': { type: 'boolean', default: false },
  },
});

const gateway = await startGateway({
  postgresPort: Number(values['postgres-port'] ?? 5432),
  port: Number(values.port),
  replicaSet: values['replica-set'],
  onProblem: (message) => console.error(message),
  // The answer to `shutdown` still has to leave the socket.
  onShutdownCommand: () => setTimeout(end, 20),
});

async function end(): Promise<void> {
  await gateway.stop();
  process.exit(0);
}

process.once('SIGTERM', end);
process.once('SIGINT', end);
if (values['until-stdin-closes']) process.stdin.on('close', end).resume();
console.log(gateway.url);
