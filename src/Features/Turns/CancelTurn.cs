using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Cancels an agent's running turn; its messages are parked.</summary>
internal static class CancelTurn
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
            controls.Ask(roster.Require(command.Name).Name, new Control(Control.CancelTurn));
            return Task.FromResult(Done.Instance);
        }
    }
}
