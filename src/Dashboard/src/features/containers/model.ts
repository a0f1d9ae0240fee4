import { api } from '../../api/client';
import type { WithText } from '../../ui/registry';

/** Has an agent use another model from its next turn. */
export const otherModel = (name: string): WithText => ({
  id: 'model',
  label: '◈ M0D3L',
  of: `for ${name}`,
  key: 'reply',
  target: `model:${name}`,
  placeholder: 'the name of a model; it is used from the next turn',
  what: 'the name of a model',
  reader: name,
  action: (text) => ({
    id: 'model',
    label: '◈ M0D3L',
    of: `for ${name}`,
    run: () => api.POST('/api/agents/{name}/model', { params: { path: { name } }, body: { model: text.trim() } }),
  }),
});
