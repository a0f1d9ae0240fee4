using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Gates;

/// <summary>Gates: evidence, verdicts, the operator's reviews, metrics, and what a phase hands on.</summary>
internal sealed class GatesModule : FeatureModule
{
    public GatesModule()
    {
        Uses(
            nameof(Agents),
            nameof(StateFiles),
            nameof(Messages),
            nameof(Forge),
            nameof(Workflows),
            nameof(Tickets),
            nameof(Tasks)
        );
        Schema<GatesSchema>();
        Event<GateView>("gate_changed", "gate");
        Event<Artifact>("artifact_added", "artifact");
        Event<Review>("review_changed", "review");
        Section<ReviewsSection>();
        Waiting<WaitingReviews>();
        Backup<EvidenceBackup>();
        Restore<EvidenceRestore>();
        Host<ShowGate.Command>("gate", "gate");
        Host<ListArtifacts.Query>("artifacts", "artifacts");
        Host<AddArtifact.Command>("artifact_add", "artifact");
        Host<ShowArtifact.Query>("artifact");
        Host<RecordMetric.Command>("metric_record", "metric");
        Host<ShowContext.Query>("context");
        Host<ListReviews.Query>("reviews");
        Host<DecideReview.Command>("review_decide");
        Tool<GiveReview.Command>(
            "review",
            "Give the verdict of your review: passed, or failed with feedback. Look at the artifacts with get_work "
                + "first. The verdict ends your task.",
            Duty.Validator
        );
        Post<ValidateGate.Command>("/api/v1/tickets/{id}/validate-gate");
        Get<ShowGateStatus.Query>("/api/v1/tickets/{id}/gate-status");
        Get<ListTicketArtifacts.Query>("/api/v1/tickets/{id}/artifacts");
        Post<AddTicketArtifact.Command>("/api/v1/tickets/{id}/artifacts");
        Get<ListTicketReviews.Query>("/api/v1/tickets/{id}/reviews");
        Get<ShowTicketContext.Query>("/api/v1/tickets/{id}/context");
        Post<UpdateContext.Command>("/api/v1/tickets/{id}/update-context");
        Get<ShowTicketArtifact.Query>("/api/v1/artifacts/{id}");
        Get<ListOpenReviews.Query>("/api/v1/reviews");
        Post<DecideTicketReview.Command>("/api/v1/reviews/{id}/decide");
        Post<RecordTaskMetric.Command>("/api/v1/quality/metrics/record");
        Get<ListTaskMetrics.Query>("/api/v1/quality/metrics/{task_id}");
        Get<ShowTrends.Query>("/api/v1/quality/trends");
        Post<EvaluateGate.Command>("/api/v1/quality/gates/{ticket}/evaluate");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton(ArtifactTable.Left)
            .AddSingleton(VerdictTable.Left)
            .AddSingleton(ReviewTable.Left)
            .AddSingleton(MetricTable.Left)
            .AddSingleton<GateBell>()
            .AddSingleton<GateMarks>()
            .AddSingleton<GateReader>()
            .AddSingleton<Returns>()
            .AddSingleton<PhaseContexts>()
            .AddSingleton<Rework>()
            .AddSingleton<Reviews>()
            .AddSingleton<CommitEvidence>()
            .AddSingleton<MergeLooks>()
            .AddSingleton<Judgements>()
            .AddSingletonAs<TaskEvidence, ITaskChecks>()
            .AddSingleton<IBriefPart, BriefEvidence>()
            .AddSingleton<IEvidenceTexts, EvidenceTexts>()
            .AddSingleton<IGateVerdicts, GateVerdicts>()
            .AddSingletonAs<TicketSeams, IPhaseEntered, ITicketHeld, ITicketRemoved>()
            .AddSingleton<ITicketEvidence>(provider => provider.GetRequiredService<TicketSeams>())
            .AddSingletonAs<JudgeGates, ICommitObserver, IHostedService>();
}
