using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>Removes for good what is kept of a destroyed agent: notes, credentials, configuration, inbox and turns.</summary>
internal static class PurgeTombstone
{
    internal sealed record Command(string Name) : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c.Name).Must(names.IsWellFormed).WithMessage("'name' is no agent's name, and no tombstone's");
    }

    internal sealed class Handler(AgentContainers containers) : IRequestHandler<Command, Accepted>
    {
        public async Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            await containers.Purge(command.Name);
            return Accepted.Instance;
        }
    }
}
