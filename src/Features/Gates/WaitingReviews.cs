using System.Data.Common;
using System.Globalization;
using Hive.Common.Notifications;
using Hive.Features.Gates.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Gates that only the operator can pass.</summary>
internal sealed class WaitingReviews : IWaiting
{
    public string Kind => "gate_review";

    public string Decision => "pass it, or fail it with feedback";

    public IEnumerable<WaitingThing> Read(DbConnection db) => ReviewTable.OfOperator(db).Select(Thing);

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is not ReviewChanged { Review: { ReviewTask: null } review })
            return;
        if (ReviewTable.IsOpen(review))
            changes.Put(Thing(review));
        else
            changes.Remove(Id(review));
    }

    public string? Outcome(DbConnection db, string id)
    {
        if (
            !long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || ReviewTable.Find(db, number) is not { } review
            || ReviewTable.IsOpen(review)
        )
            return null;
        return review switch
        {
            { Verdict: ReviewTable.Cancelled, DecidedAt: { } at } =>
                $"review {id} was cancelled at {at:u}, because ticket {review.Ticket} moved",
            { Verdict: { } verdict, DecidedAt: { } at } =>
                $"review {id} was decided '{verdict}' by {review.Reviewer} at {at:u}",
            _ => $"review {id} is about evidence that newer evidence has replaced",
        };
    }

    private static string Id(Review review) => review.Id.ToString(CultureInfo.InvariantCulture);

    private static WaitingThing Thing(Review review) =>
        new(Id(review), review.Question, review.AskedAt, WaitingUrgency.Now, $"/tickets/{review.Ticket}")
        {
            Ticket = review.Ticket,
            Task = review.Task,
            Detail = review.Task is { } task
                ? $"the result of task {task}, ticket {review.Ticket}"
                : $"the gate of {review.PhaseId}, ticket {review.Ticket}",
        };
}
