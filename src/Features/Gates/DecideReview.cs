using FluentValidation;
using Hive.Common.Doors;
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

    internal sealed class Handler(IStore store, Reviews reviews) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var review = Reviews.MustBeOpen(ReviewTable.Require(write.Db, command.Id));
                    var decided = reviews.Decide(write, review, command.Verdict, command.Feedback, command.Caller.Name);
                    reviews.EndTask(write, decided, $"{command.Caller.Name} has decided review {review.Id}");
                    return new Result(decided);
                },
                CancellationToken.None
            );
    }
}
