import { expect, test } from 'vitest';
import type { Role } from '../../../src/contract/wire-types.ts';
import { visibleTo } from '../../../src/domain/events/visible-to.ts';

const ROLES: Role[] = ['admin', 'supervisor', 'staff'];

test.each<[Role[], Role[]]>([
  [
    ['supervisor', 'admin'],
    ['admin', 'supervisor'],
  ],
  [['staff'], ['staff']],
  [['admin'], ['admin']],
  [[], []],
])('an event for %j reaches %j: no role stands above the list', (targets, reached) => {
  expect(ROLES.filter((role) => visibleTo(role, { target_roles: targets }))).toEqual(reached);
});
