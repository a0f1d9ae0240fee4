import { Panel } from '../../ui/panel';
import { LogView } from './view';

/** The log of an agent in the side panel. */
export const LogPanel = ({ name }: { name: string }) => (
  <LogView
    name={name}
    around={(state, log) => (
      <Panel
        feature="logs"
        label={`Logs of ${name}`}
        title={
          <>
            <span class="dim">↳ logs ·</span> <bdi>{name}</bdi>
          </>
        }
        aside={state}
      >
        {log}
      </Panel>
    )}
  />
);
