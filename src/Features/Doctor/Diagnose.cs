using Hive.Common.Doctor;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Doctor;

/// <summary>Runs every check of every slice.</summary>
internal static class Diagnose
{
    internal sealed record Query : IRequest<Diagnosis>, IWaitingRequest;

    internal sealed class Handler(
        IEnumerable<ICheck> checks,
        WaitingFindings waiting,
        WaitingDisk disk,
        IWaitingReports reports
    ) : IRequestHandler<Query, Diagnosis>
    {
        public async Task<Diagnosis> Handle(Query request, CancellationToken cancellationToken)
        {
            var found = await Task.WhenAll(checks.Select(c => Run(c, cancellationToken)));
            var diagnosis = Diagnosis.Of([.. found.SelectMany(findings => findings)]);
            waiting.Show(diagnosis, reports.Of(waiting));
            disk.Show(reports);
            return diagnosis;
        }

        private static async Task<IReadOnlyList<Finding>> Run(ICheck check, CancellationToken ct)
        {
            try
            {
                return await check.Run(ct);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // A check that throws must not hide the findings of the others.
                return
                [
                    new Finding("doctor", check.GetType().Name, FindingState.Failed, $"the check failed: {e.Message}"),
                ];
            }
        }
    }
}
