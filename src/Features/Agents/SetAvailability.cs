using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Resumes an agent that is to be available, and pauses one that is not.</summary>
internal static class SetAvailability
{
    internal sealed record Command(string Name, bool Available) : IRequest<RegisteredAgent>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Name).MustBeAgentName();
    }

    internal sealed class Handler(IStore store, IRoster roster, PauseAgent.Steps pause, Registry registry)
        : IRequestHandler<Command, RegisteredAgent>
    {
        public async Task<RegisteredAgent> Handle(Command command, CancellationToken cancellationToken)
        {
            await store.Write(
                write =>
                {
                    pause.Run(write, command.Name, !command.Available);
                    return command.Name;
                },
                cancellationToken
            );
            return RegisteredAgent.Of(registry.Of(roster.Require(command.Name)));
        }
    }
}
