using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Waiting.Contracts;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Snoozes a row: it comes back at that time, when it changes, or ten minutes before its deadline.</summary>
internal static class SnoozeWaiting
{
    internal sealed record Command(string Key, DateTimeOffset UntilAt) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const int MostDays = 366;

        public Validator(TimeProvider clock) =>
            RuleFor(c => c.UntilAt)
                .Cascade(CascadeMode.Stop)
                .Must(at => at > clock.GetUtcNow())
                .WithMessage(_ => $"'until_at' has passed; it is {clock.GetUtcNow():u} now; give a time after that")
                .Must(at => at <= clock.GetUtcNow().AddDays(MostDays))
                .WithMessage(
                    $"'until_at' is more than {MostDays} days ahead, which is the limit; give an earlier time"
                );
    }

    internal sealed class Handler(IStore store, WaitingList list, WaitingMarks marks, TimeProvider clock)
        : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var (kind, thing, _) = list.Require(write.Db, command.Key);
                    var until = command.UntilAt;
                    if (thing.DeadlineAt is { } deadline)
                    {
                        var back = deadline - WaitingList.BeforeDeadline;
                        if (back <= clock.GetUtcNow())
                            throw Problem.Conflict(
                                $"{command.Key} expires at {deadline:u}, and a snoozed row comes back ten minutes "
                                    + $"before its deadline; {kind.Decision}"
                            );
                        until = until < back ? until : back;
                    }

                    marks.Set(write, new WaitingMarked(command.Key, thing.Version, until, IsSeen: false));
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
