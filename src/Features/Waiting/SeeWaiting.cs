using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Waiting.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Marks a row as seen: it leaves the list until it changes. Only what needs no decision can be.</summary>
internal static class SeeWaiting
{
    internal sealed record Command(string Key) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Key).NotEmpty().WithMessage("'key' is empty; name a row");
    }

    internal sealed class Handler(IStore store, WaitingList list, WaitingMarks marks) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var (kind, thing, _) = list.Require(write.Db, command.Key);
                    if (thing is not { Urgency: WaitingUrgency.Fyi } and not { CanBePutAside: true })
                        throw Problem.Conflict(
                            $"{command.Key} needs a decision and leaves only with it: {kind.Decision}; to see it "
                                + "later, snooze it"
                        );
                    marks.Set(write, new WaitingMarked(command.Key, thing.Version, null, IsSeen: true));
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
