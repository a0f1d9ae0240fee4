using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Sets an agent's status text.</summary>
internal static class SetStatus
{
    internal sealed record Command(
        [property: Description("A few words, at most 200 bytes; an empty text removes the status.")] string Text,
        Caller Caller
    ) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Text).MustBeText(Limits.StatusBytes);
    }

    internal sealed class Handler(IStore store, IRoster roster, TimeProvider clock) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    roster.Change(
                        write,
                        command.Caller.Name,
                        agent =>
                            agent with
                            {
                                StatusText = command.Text.Length == 0 ? null : command.Text,
                                StatusSetAt = clock.GetUtcNow(),
                            }
                    );
                    return Done.Instance;
                },
                cancellationToken
            );
    }
}
