import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What a process counts about itself; served at `/metrics`. */
export interface Metrics {
  readonly registry: Registry;
  /** One applied batch: its verdicts and the seconds from taking it to its last one. */
  batchApplied(verdicts: Readonly<Record<string, number>>, seconds: number): void;
  /** A transaction of a batch runs again because others wrote at the same time. */
  syncRerun(): void;
  /** Reads a gauge whenever it is scraped. */
  gauge(name: string, help: string, read: () => number): void;
}

/** The registry of one engine, with Node's own metrics. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const operations = new Counter({
    name: 'sve_sync_operations_total',
    help: 'Operations of offline batches by verdict',
    labelNames: ['verdict'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'sve_sync_batch_seconds',
    help: 'Time from taking a batch to its last verdict',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const reruns = new Counter({
    name: 'sve_sync_reruns_total',
    help: 'Transactions of batches that ran again because others wrote at the same time',
    registers: [registry],
  });
  return {
    registry,
    syncRerun: () => reruns.inc(),
    batchApplied: (verdicts, seconds) => {
      for (const [verdict, count] of Object.entries(verdicts)) operations.inc({ verdict }, count);
      duration.observe(seconds);
    },
    gauge: (name, help, read) => {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
  };
}
