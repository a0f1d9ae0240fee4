using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using MediatR;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Permanently deletes a destroyed agent's data: notes, credentials, configuration, inbox and
/// turns.</summary>
internal static class PurgeTombstone
{
    internal sealed record Command(string Name) : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(
        AgentRecords records,
        AgentFiles files,
        TombstoneList tombstones,
        IRoster roster,
        Transients transients
    ) : IRequestHandler<Command, Accepted>
    {
        public async Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            var name = command.Name;
            if (roster.Find(name) is not null)
                throw Problem.Conflict($"'{name}' is an agent, not a tombstone; destroy the agent first");
            tombstones.Require(name);
            await using var guard = await transients.Begin(name, "destroying");
            // The tombstone may have been revived or purged while this waited to begin.
            if (!tombstones.Exists(name))
                throw Problem.Conflict($"the tombstone '{name}' has just been revived or purged");
            // The files last: until they are gone the tombstone exists and can be purged again.
            await records.Purge(name);
            await files.Remove(name, purge: true);
            await tombstones.Refresh(name);
            return Accepted.Instance;
        }
    }
}
