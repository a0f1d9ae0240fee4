using System.Data.Common;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Evaluates the criteria of the gate that a ticket stands at, without a verdict.</summary>
internal static class EvaluateGate
{
    /// <param name="Ticket">The ticket.</param>
    internal sealed record Command(long Ticket) : IRequest<Result>;

    /// <param name="GateId">The ticket.</param>
    /// <param name="GateName">The phase.</param>
    /// <param name="Passed">Every criterion holds.</param>
    /// <param name="RequirementsMet">The criteria that hold.</param>
    /// <param name="RequirementsFailed">The others.</param>
    /// <param name="FailureAction"><c>block</c>: the ticket does not move on.</param>
    internal sealed record Result(
        long GateId,
        string GateName,
        bool Passed,
        IReadOnlyList<string> RequirementsMet,
        IReadOnlyList<Unfulfilled> RequirementsFailed,
        string FailureAction
    );

    /// <param name="Requirement">The criterion in words.</param>
    /// <param name="Expected">What has to hold: the bounds of a metric, else the criterion.</param>
    /// <param name="Status"><c>fail</c>: work can cure it; <c>missing</c>: a task or a person is waited for.</param>
    /// <param name="Actual">Why.</param>
    internal sealed record Unfulfilled(string Requirement, string Expected, string Status, string Actual);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Ticket).MustBeIdOf("ticket", "ticket");
    }

    internal sealed class Handler(IStore store, GateReader reader, IWorkflows workflows)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Read(db => Evaluate(db, command.Ticket), cancellationToken);

        private Result Evaluate(DbConnection db, long ticket)
        {
            var (gate, _) = reader.Show(db, ticket, null);
            var phases = workflows.Require(reader.Require(db, ticket).Workflow).Phases;
            var asked = GateRules.Effective(phases.First(p => p.Id == gate.PhaseId));
            return new Result(
                gate.Ticket,
                gate.PhaseId,
                gate.RequirementsMet,
                [.. gate.Criteria.Where(c => c.State == CriterionStates.Met).Select(c => c.Text)],
                [.. gate.Criteria.Zip(asked).Where(c => c.First.State != CriterionStates.Met).Select(Failed)],
                "block"
            );
        }

        private static Unfulfilled Failed((CriterionView Judged, Criterion Asked) criterion)
        {
            var (judged, asked) = criterion;
            return new Unfulfilled(
                judged.Text,
                asked.Metric is null ? judged.Text : GateJudge.Bounds(asked),
                judged.State == CriterionStates.Waiting ? "missing" : "fail",
                judged.Reason!
            );
        }
    }
}
