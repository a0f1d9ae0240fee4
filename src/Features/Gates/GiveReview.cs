using System.ComponentModel;
using System.Data.Common;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>A validator gives the verdict of a review, which ends its task.</summary>
internal static class GiveReview
{
    private const int MostEvidence = 100;

    internal sealed record Command(
        Caller Caller,
        [property: Description("passed or failed.")] string Verdict,
        [property: Description("The review; left out, the only one that you have.")] long? Review = null,
        [property: Description("What has to change; needed when it failed.")] string? Feedback = null,
        [property: Description("The ids of the artifacts that the verdict rests on.")]
            IReadOnlyList<long>? Evidence = null,
        [property: Description("The run that task_assigned named; a call about an ended run is refused.")]
            long? Run = null,
        [property: Description("Any text of your own: a repeated call with the same key gets the first one's answer.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(Review Review);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Verdict)
                .Must(verdict => verdict is ReviewTable.Passed or ReviewTable.Failed)
                .WithMessage($"'verdict' must be {ReviewTable.Passed} or {ReviewTable.Failed}");
            RuleFor(c => c.Review).Must(id => id is null or > 0).WithMessage("'review' must be a positive review id");
            RuleFor(c => c.Run).Must(id => id is null or > 0).WithMessage("'run' must be a positive id");
            RuleFor(c => c.Feedback).MustBeText(Limits.BodyBytes);
            RuleFor(c => c.Feedback)
                .Must((command, text) => command.Verdict != ReviewTable.Failed || !string.IsNullOrWhiteSpace(text))
                .WithMessage("'feedback' is empty; say what has to change");
            RuleFor(c => c.Evidence)
                .Must(ids => ids is null || ids.Count <= MostEvidence)
                .WithMessage($"'evidence' has more than {MostEvidence} artifacts; name those that matter");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, IReviewTasks tasks, Reviews reviews, IdempotencyKeys keys)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                    keys.Once(
                        write,
                        command.Caller.Name,
                        "review",
                        command.Key,
                        () => new Result(Store(write, command))
                    ),
                CancellationToken.None
            );

        private Review Store(IWrite write, Command command)
        {
            var given = command.Review is { } id
                ? ReviewTable.Require(write.Db, id)
                : Only(write.Db, command.Caller.Name);
            if (given is { ReviewTask: null })
                throw Problem.Forbidden($"review {given.Id} is the operator's to decide");
            if (given is not null)
                Reviews.MustBeOpen(given);
            var task = tasks.Begin(write, command.Caller, given?.ReviewTask, command.Run);
            var review = Reviews.MustBeOpen(
                given
                    ?? ReviewTable.OfReviewTask(write.Db, task.Id)
                    ?? throw Problem.Conflict($"task {task.Id} has no review that can be decided")
            );
            if (tasks.Excluded(write.Db, task.Id).Contains(command.Caller.Name))
                throw Problem.Forbidden(
                    $"review {review.Id} is about {command.Caller.Name}'s own work; another validator has to decide it"
                );
            if (command.Evidence?.Except(review.Artifacts).Cast<long?>().FirstOrDefault() is { } other)
                throw Problem.Invalid(
                    $"'evidence' names artifact {other}, which review {review.Id} is not about; it is about "
                        + (review.Artifacts.Count == 0 ? "none" : string.Join(", ", review.Artifacts))
                );
            if (
                command.Verdict == ReviewTable.Passed
                && !ReviewTable.HasLooked(write.Db, review.Id, command.Caller.Name)
            )
                throw Problem.Conflict(
                    $"review {review.Id} cannot pass before {command.Caller.Name} has looked at what it is about; call "
                        + "get_work first"
                );
            tasks.End(
                write,
                task.Id,
                command.Verdict + (string.IsNullOrWhiteSpace(command.Feedback) ? "" : $": {command.Feedback}")
            );
            return reviews.Decide(
                write,
                review,
                command.Verdict,
                command.Feedback,
                command.Caller.Name,
                command.Evidence
            );
        }

        // The review that an agent has; null for none.
        private Review? Only(DbConnection db, string agent)
        {
            Review[] all = [.. tasks.OfAgent(db, agent).Select(t => ReviewTable.OfReviewTask(db, t)).OfType<Review>()];
            return all.Length < 2
                ? all.FirstOrDefault()
                : throw Problem.Invalid(
                    $"{agent} has several reviews; name one with 'review': {string.Join(", ", all.Select(r => r.Id))}"
                );
        }
    }
}
