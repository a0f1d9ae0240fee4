using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Asks validators, and lets every change of a review reach the tasks that belong to it, in the same
/// write.</summary>
internal sealed class Reviews(
    IReviewTasks tasks,
    ITasks all,
    ITickets tickets,
    IWorkflows workflows,
    GateMarks marks,
    TimeProvider clock
)
{
    /// <summary>The type of the tasks in which validators judge.</summary>
    public const string TaskType = "review";

    private const int TitleLength = 500;

    /// <summary>Asks a validator whether a gate may pass.</summary>
    public Review AskValidator(IWrite write, GateCase gate, Criterion criterion)
    {
        var question = criterion.Validator!;
        var task = tasks.Add(
            write,
            gate.Ticket.Id,
            new TaskSpec(
                TaskType,
                Title(question),
                Description: question,
                PhaseId: gate.Phase.Id,
                Capabilities: criterion.Capabilities
            ),
            [.. gate.Artifacts.Select(a => a.Artifact.By).Distinct()],
            about: null
        );
        return ReviewTable.Ask(
            write,
            (gate.Ticket.Id, gate.Phase.Id),
            question,
            GateJudge.Seen(gate),
            gate.Failures,
            clock.GetUtcNow(),
            reviewTask: task
        );
    }

    /// <summary>Asks a validator whether the result of a task is accepted.</summary>
    public Review AskAbout(IWrite write, TaskEntry task)
    {
        var question = $"Is '{task.Title}' done as it was asked for?";
        var of = all.Outline(write.Db, task.Ticket);
        var line = Rework.LineOf(of, task.Id);
        var artifacts = ArtifactTable.Of(write.Db, task.Ticket, task.PhaseId);
        var types = artifacts
            .Where(a => a.Task is { } by && line.Contains(by))
            .Select(a => a.Type)
            .ToHashSet(StringComparer.Ordinal);
        // Its own, or what the operator has added in their place; those of other tasks are their reviews'.
        var seen = Rework.Latest(
            artifacts.Where(a =>
                a.SupersededAt is null && types.Contains(a.Type) && (a.Task is not { } by || line.Contains(by))
            ),
            of
        );
        var reviewTask = tasks.Add(
            write,
            task.Ticket,
            new TaskSpec(TaskType, Title(question), Description: question, PhaseId: task.PhaseId),
            [.. seen.Select(a => a.By).Append(task.Agent).OfType<string>().Distinct()],
            about: task.Id
        );
        return ReviewTable.Ask(
            write,
            (task.Ticket, task.PhaseId),
            question,
            [.. seen.Select(a => a.Id).Order()],
            task.Iteration,
            clock.GetUtcNow(),
            task.Id,
            reviewTask
        );
    }

    /// <summary>Decides an open review, with what follows for the reviewed task or the gate.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="review">The review.</param>
    /// <param name="verdict">One of <see cref="ReviewTable"/>.</param>
    /// <param name="feedback">What has to change; blank for nothing.</param>
    /// <param name="reviewer">Who decides.</param>
    /// <param name="evidence">The artifacts that the verdict rests on.</param>
    public Review Decide(
        IWrite write,
        Review review,
        string verdict,
        string? feedback,
        string reviewer,
        IReadOnlyList<long>? evidence = null
    )
    {
        var decided = ReviewTable.Decide(
            write,
            review.Id,
            verdict,
            string.IsNullOrWhiteSpace(feedback) ? null : feedback,
            reviewer,
            clock.GetUtcNow(),
            evidence
        );
        if (review.Task is { } task)
        {
            if (verdict == ReviewTable.Passed)
                tasks.Accept(write, task);
            else
                tasks.Reject(write, task, $"{reviewer}: {feedback}", MaxIterations(write, review));
        }

        marks.Mark(write, review.Ticket);
        return decided;
    }

    /// <summary>Cancels the task in which a validator would have decided a review.</summary>
    public void EndTask(IWrite write, Review review, string reason)
    {
        if (review.ReviewTask is { } task)
            tasks.Cancel(write, task, reason);
    }

    /// <summary>Makes open and passed reviews void, because there is newer evidence. The next judgement asks about a
    /// gate again; the review of a task is asked again here, if its evidence was replaced.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="phases">The phases whose gates see the newer evidence.</param>
    /// <param name="replaced">The artifacts that newer ones took the place of; null when the phases are worked on
    /// again, which makes failed reviews of their gates void too.</param>
    public void Void(IWrite write, long ticket, IReadOnlyCollection<string> phases, IReadOnlySet<long>? replaced)
    {
        foreach (var review in ReviewTable.Of(write.Db, ticket).Where(r => !r.Stale && phases.Contains(r.PhaseId)))
        {
            if (review.Task is { } task)
            {
                if (!ReviewTable.IsOpen(review) || replaced?.Overlaps(review.Artifacts) != true)
                    continue;
                Void(write, review);
                AskAbout(write, all.Require(write.Db, task));
            }
            else if (
                review.Verdict is null or ReviewTable.Passed
                || (replaced is null && review.Verdict == ReviewTable.Failed)
            )
                Void(write, review);
        }
    }

    /// <summary>A ticket has left its phase: the open reviews of its gate are cancelled, and those of tasks that have
    /// ended with it.</summary>
    public void Left(IWrite write, TicketEntry ticket) =>
        Cancel(
            write,
            ReviewTable
                .Of(write.Db, ticket.Id)
                .Where(r => r.Task is not { } task || all.Require(write.Db, task).HasEnded),
            $"ticket {ticket.Id} has left {ticket.PreviousPhaseId ?? "its phase"}"
        );

    /// <summary>Cancels the open reviews of a ticket, which is removed.</summary>
    public void CancelAll(IWrite write, long ticket) =>
        Cancel(write, ReviewTable.OpenOf(write.Db, ticket), $"ticket {ticket} was deleted");

    /// <summary>Cancels the open reviews of a task, which is cancelled.</summary>
    public void CancelOf(IWrite write, long task) =>
        Cancel(write, ReviewTable.OfTask(write.Db, task), $"task {task} was cancelled");

    /// <summary>The task of a review is cancelled: the operator decides in its place, unless the review is not open any
    /// more.</summary>
    public void ToOperator(IWrite write, long reviewTask)
    {
        if (ReviewTable.OfReviewTask(write.Db, reviewTask) is not { } review || !ReviewTable.IsOpen(review))
            return;
        ReviewTable.ToOperator(write, review.Id);
        marks.Mark(write, review.Ticket);
    }

    /// <summary>The review itself.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: it is decided, or void.</exception>
    public static Review MustBeOpen(Review review)
    {
        if (review.Stale)
            throw Problem.Conflict(
                $"review {review.Id} is about evidence that newer evidence has replaced; decide the next review of "
                    + $"ticket {review.Ticket}"
            );
        if (review.Verdict is { } verdict)
            throw Problem.Conflict(
                $"review {review.Id} was decided '{verdict}' by {review.Reviewer} at {review.DecidedAt:u}; the first "
                    + "decision counts"
            );
        return review;
    }

    private void Void(IWrite write, Review review)
    {
        ReviewTable.Void(write, review.Id);
        if (ReviewTable.IsOpen(review))
            EndTask(write, review, $"newer evidence has replaced what review {review.Id} is about");
    }

    private void Cancel(IWrite write, IEnumerable<Review> reviews, string reason)
    {
        foreach (var review in reviews.Where(ReviewTable.IsOpen).ToArray())
        {
            ReviewTable.Decide(write, review.Id, ReviewTable.Cancelled, null, Principals.System, clock.GetUtcNow());
            EndTask(write, review, reason);
        }
    }

    private int MaxIterations(IWrite write, Review review) =>
        workflows
            .Find(tickets.Require(write.Db, review.Ticket).Workflow)
            ?.Phases.FirstOrDefault(p => p.Id == review.PhaseId)
            ?.Gate?.MaxIterations
        ?? Rounds.Usual;

    private static string Title(string question)
    {
        var title = $"Review: {question}";
        return title.Length <= TitleLength ? title : title[..TitleLength];
    }
}
