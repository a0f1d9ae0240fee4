using System.Globalization;
using Hive.Common.Doctor;
using Hive.Protocol;

namespace Hive.Features.Waiting;

/// <summary>Shows whether the address of <c>Notify:Url</c> accepts requests. It sends none itself.</summary>
internal sealed class NotifyCheck(NotifyState state) : ICheck
{
    private const string Topic = "notifications";
    private const string Name = "Notify:Url";

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([Find(state.View)]);

    private static Finding Find(NotifyHookView now) =>
        now.State switch
        {
            NotifyHookState.Off => new Finding(
                Topic,
                Name,
                FindingState.Absent,
                "off: only an open page tells what waits (docs/guide/phone.md)"
            ),
            NotifyHookState.Failing => new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"failing since {Time(now.FailingSinceAt)}: {now.Reason}; "
                    + (
                        now.NextAttemptAt is { } next
                            ? $"next attempt at {Time(next)}"
                            : "next attempt with the next thing that waits"
                    ),
                "Send a request to the address with curl; docs/guide/phone.md shows what Hive sends"
            ),
            _ => new Finding(
                Topic,
                Name,
                FindingState.Ok,
                now.LastSentAt is { } at ? $"last sent at {Time(at)}" : "on; nothing has been sent yet"
            ),
        };

    private static string Time(DateTimeOffset? at) => string.Create(CultureInfo.InvariantCulture, $"{at:u}");
}
