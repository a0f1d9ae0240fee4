using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Pauses an agent, so that it receives no new messages, or resumes it.</summary>
internal static class PauseAgent
{
    internal sealed record Command(string Name, bool Paused) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Name).MustBeAgentName();
    }

    internal sealed class Handler(IStore store, Steps steps) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    steps.Run(write, command.Name, command.Paused);
                    return Done.Instance;
                },
                cancellationToken
            );
    }

    /// <summary>Pauses or resumes inside a write; a repeated call changes nothing.</summary>
    internal sealed class Steps(IRoster roster, TimeProvider clock)
    {
        public void Run(IWrite write, string name, bool paused)
        {
            if (roster.Require(name).Paused == paused)
                return;
            roster.Change(
                write,
                name,
                agent => agent with { Paused = paused, PausedAt = paused ? clock.GetUtcNow() : null }
            );
        }
    }
}
