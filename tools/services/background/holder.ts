// The background process that holds the servers: they end when it does. Started by up.ts, which reads its
// lines; it goes on without a reader.
import { startServices } from '../start-services.ts';
import { removeState, writeState } from './state.ts';

// The reader leaves after the start.
process.stdout.on('error', () => {});
const tell = (kind: 'step' | 'ready' | 'failed', text: string) => {
  process.stdout.write(`${JSON.stringify({ kind, text })}\n`);
};

try {
  const services = await startServices({ report: (message) => tell('step', message) });
  const end = async () => {
    removeState();
    await services.stop();
    process.exit(0);
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  writeState({ pid: process.pid, mongoUrl: services.mongoUrl, redisUrl: services.redisUrl });
  tell('ready', '');
  // Keeps the process alive; the servers' handles do not.
  setInterval(() => {}, 2 ** 30);
} catch (error) {
  tell('failed', error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
