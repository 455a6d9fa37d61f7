import { startEngine } from './app.ts';
import { ConfigError, loadConfig } from './config/config.ts';
import { cronProblem } from './domain/schedules/cron-expression.ts';
import { createLogger } from './runtime/logger.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} is too old: start the engine with "npm start" (Node 22.18 or newer).`,
  );
  process.exit(1);
}

/** After SIGTERM the process is gone within 25 s, whatever does not answer (contract 8). */
const STOP_DEADLINE_MS = 24_000;

async function main(): Promise<void> {
  const config = loadConfig(cronProblem);
  const logger = createLogger(config.logLevel);
  const engine = await startEngine(config, logger);
  logger.info({ port: engine.port, roles: [...config.roles], pid: process.pid }, 'engine ready');

  const stop = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error('some work did not end in time; it will be taken up again by another process');
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
    engine.stop().then(
      () => {
        logger.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'stop failed');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError) console.error(error.message);
  else console.error(`The engine did not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
