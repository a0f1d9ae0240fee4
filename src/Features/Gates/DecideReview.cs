using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Decides an open review. The first decision counts.</summary>
internal static class DecideReview
{
    /// <param name="Id">The review.</param>
    /// <param name="Verdict"><c>passed</c> or <c>failed</c>.</param>
    /// <param name="Feedback">What has to change; needed for a failure.</param>
    /// <param name="Caller">Who decides.</param>
    internal sealed record Command(long Id, string Verdict, Caller Caller, string? Feedback = null) : IRequest<Result>;

    internal sealed record Result(Review Review);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("review");
            RuleFor(c => c.Verdict)
                .Must(verdict => verdict is ReviewTable.Passed or ReviewTable.Failed)
                .WithMessage($"'verdict' must be {ReviewTable.Passed} or {ReviewTable.Failed}");
            RuleFor(c => c.Feedback).MustBeText(Limits.BodyBytes);
            RuleFor(c => c.Feedback)
                .Must((command, text) => command.Verdict != ReviewTable.Failed || !string.IsNullOrWhiteSpace(text))
                .WithMessage("'feedback' is empty; say what has to change");
        }
    }

    internal sealed class Handler(IStore store, GateMarks marks, TimeProvider clock) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var review = ReviewTable.Require(write.Db, command.Id);
                    if (review.Stale)
                        throw Problem.Conflict(
                            $"review {review.Id} is about evidence that newer evidence has replaced; decide the next "
                                + $"review of ticket {review.Ticket}"
                        );
                    if (review.Verdict is { } verdict)
                        throw Problem.Conflict(
                            $"review {review.Id} was decided '{verdict}' by {review.Reviewer} at {review.DecidedAt:u}; "
                                + "the first decision counts"
                        );
                    var decided = ReviewTable.Decide(
                        write,
                        review.Id,
                        command.Verdict,
                        string.IsNullOrWhiteSpace(command.Feedback) ? null : command.Feedback,
                        command.Caller.Name,
                        clock.GetUtcNow()
                    );
                    marks.Mark(write, review.Ticket);
                    return new Result(decided);
                },
                CancellationToken.None
            );
    }
}
