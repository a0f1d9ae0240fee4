using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Waiting.Contracts;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Brings a row back that was marked as seen; a row that was not stays as it is.</summary>
internal static class UnseeWaiting
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
                    if (mark?.IsSeen == true)
                        marks.Set(write, new WaitingMarked(command.Key, thing.Version, mark.SnoozedUntilAt, false));
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
