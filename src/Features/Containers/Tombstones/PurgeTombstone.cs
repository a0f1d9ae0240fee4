using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Removes for good what is kept of a destroyed agent: notes, credentials, configuration, inbox and
/// turns.</summary>
internal static class PurgeTombstone
{
    internal sealed record Command(string Name) : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) =>
            RuleFor(c => c.Name).Must(names.IsWellFormed).WithMessage("'name' is no agent's name, and no tombstone's");
    }

    internal sealed class Handler(
        AgentContainers containers,
        Tombstones tombstones,
        IRoster roster,
        Transients transients
    ) : IRequestHandler<Command, Accepted>
    {
        public async Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            var name = command.Name;
            if (roster.Find(name) is not null)
                throw Problem.Conflict(
                    $"there is an agent '{name}', so there is no tombstone of that name; destroy the agent first"
                );
            if (!tombstones.Exists(name))
                throw Problem.NotFound(
                    $"there is no tombstone '{name}'; there are: {(tombstones.All.Count > 0 ? string.Join(", ", tombstones.All.Select(t => t.Name)) : "none")}"
                );
            await using var guard = await transients.Begin(name, "destroying");
            // It may have been revived or purged before this could begin.
            if (!tombstones.Exists(name))
                throw Problem.Conflict($"the tombstone '{name}' has just gone");
            await containers.Purge(name);
            return Accepted.Instance;
        }
    }
}
