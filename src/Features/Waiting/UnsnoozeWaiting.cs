using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Waiting.Contracts;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Brings a snoozed row back; a row that is not snoozed stays as it is.</summary>
internal static class UnsnoozeWaiting
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
                    var (_, thing, mark) = list.Require(write.Db, command.Key);
                    if (mark?.SnoozedUntilAt is not null)
                        marks.Set(write, new WaitingMarked(command.Key, thing.Version, null, mark.IsSeen));
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
