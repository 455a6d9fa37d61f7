import type { Connection } from './connection.ts';
import type { RelayCounters } from './relay-stats.ts';

export interface UpkeepTimes {
  pingMs: number;
  silenceMs: number;
  nowMs: number;
}

/**
 * Ends connections whose token ended (invariant R5) or that were silent for too long, and pings those whose
 * turn it is. Called every second or so for all of them: one timer instead of three per connection.
 */
export function keepUp(connections: Iterable<Connection>, times: UpkeepTimes, counters: RelayCounters): void {
  const { pingMs, silenceMs, nowMs } = times;
  for (const connection of connections) {
    if (connection.closed) continue;
    if (connection.expiresAtMs <= nowMs) connection.close('expired');
    else if (nowMs - connection.heardAtMs >= silenceMs) {
      // The peer is gone or the network is: no closing handshake would be answered.
      counters.silent += 1;
      connection.terminate();
    } else if (nowMs - connection.pingedAtMs >= pingMs) connection.ping();
  }
}
