// The demo's zone and days: a zone whose clocks change twice a year, in which no midnight and no nightly run
// falls into the demo.
import { addDays, localDay, periodOfDay } from '../../src/domain/variance/periods.ts';

export interface Calendar {
  zone: string;
  today: string;
  yesterday: string;
  /** The first of a month, about a year ago. */
  firstDay: string;
  /** First day of the first week that has counts: where the analytics begin. */
  firstPeriodDay: string;
  /** A working day of last week: closed, and followed by a working day. */
  closedDay: string;
}

const ZONES = ['Europe/Berlin', 'America/New_York'] as const;

export function chooseCalendar(now: Date): Calendar {
  const zone = isNearNight(now, ZONES[0]) ? ZONES[1] : ZONES[0];
  const today = localDay(now, zone);
  const monthStart = periodOfDay('monthly', addDays(today, -364), zone).first_day;
  const thisMonday = periodOfDay('weekly', today, zone).first_day;
  return {
    zone,
    today,
    yesterday: addDays(today, -1),
    firstDay: monthStart,
    firstPeriodDay: periodOfDay('weekly', monthStart, zone).first_day,
    closedDay: addDays(thisMonday, -6),
  };
}

/** From Monday to Saturday. */
export const isWorkingDay = (day: string): boolean => new Date(`${day}T12:00:00Z`).getUTCDay() !== 0;

/** So many minutes after the local day began. */
export const timeOfDay = (day: string, minutes: number, zone: string): Date =>
  new Date(periodOfDay('daily', day, zone).start.getTime() + Math.round(minutes * 60_000));

function isNearNight(now: Date, zone: string): boolean {
  const time = now.toLocaleTimeString('en-GB', { timeZone: zone, hourCycle: 'h23' });
  return time >= '23:50' || time < '01:00';
}
