import { ActionButton } from '../../ui/action-button';
import { changePreferences } from '../../ui/change-preferences';
import { Link } from '../../ui/link';
import { preferences } from '../../ui/preferences';
import { waitingKinds } from '../../ui/registry';
import { Table } from '../../ui/table';
import { muteOrUnmute } from '../containers';
import { kindsOf, LEVELS, waiting } from '../waiting';

/** How the operator is told of each kind of thing that waits. */
export function Kinds() {
  const { notify_kinds } = preferences.value;
  return (
    <Table
      label="How you are told of each kind"
      columns={
        <>
          <th scope="col">kind</th>
          <th scope="col">how you are told</th>
        </>
      }
    >
      <tbody>
        {kindsOf(waitingKinds.value, waiting.all.value, notify_kinds).map(({ kind, name }) => (
          <tr key={kind} data-kind={kind} class={kind in notify_kinds ? 'own' : ''}>
            <th scope="row">{name}</th>
            <td>
              <select
                class="field"
                aria-label={`How you are told of: ${name}`}
                value={notify_kinds[kind] ?? ''}
                onChange={(e) => {
                  const how = LEVELS.find(([level]) => (level ?? '') === e.currentTarget.value)?.[0] ?? null;
                  void changePreferences({ notify_kinds: { [kind]: how } });
                }}
              >
                {LEVELS.map(([level, text]) => (
                  <option key={text} value={level ?? ''}>
                    {text}
                  </option>
                ))}
              </select>
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

/** The muted agents, with the way back. */
export function Muted() {
  const { muted } = preferences.value;
  return (
    <>
      <h3 id="muted-agents">Muted agents</h3>
      {muted.length === 0 ? (
        <p class="dim">None. An agent is muted in its menu: its things then wait without notification and sound.</p>
      ) : (
        <ul class="muted-agents" aria-labelledby="muted-agents">
          {muted.map((name) => (
            <li key={name}>
              <Link to={`/agents/${encodeURIComponent(name)}`} class="link mono">
                <bdi>{name}</bdi>
              </Link>
              <ActionButton action={muteOrUnmute(name)} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
