using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Waiting.Contracts;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Marks a row as seen: it leaves the list until it changes. A row that needs a decision cannot be
/// marked.</summary>
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
                    if (!thing.CanBePutAside)
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
