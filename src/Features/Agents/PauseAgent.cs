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

    internal sealed class Handler(IStore store, IRoster roster, TimeProvider clock) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    if (roster.Require(command.Name).Paused != command.Paused)
                    {
                        roster.Change(
                            write,
                            command.Name,
                            agent =>
                                agent with
                                {
                                    Paused = command.Paused,
                                    PausedAt = command.Paused ? clock.GetUtcNow() : null,
                                }
                        );
                        write.Raise(new AgentPaused(command.Name, command.Paused));
                    }

                    return Done.Instance;
                },
                cancellationToken
            );
    }
}
