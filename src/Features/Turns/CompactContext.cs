using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Compacts an agent's conversation, between two turns.</summary>
internal static class CompactContext
{
    internal sealed record Command(string Name) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IRoster roster, Controls controls) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            controls.Ask(roster.Require(command.Name).Name, new Control(Control.Compact));
            return Task.FromResult(Done.Instance);
        }
    }
}
