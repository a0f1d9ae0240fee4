using System.Globalization;
using Hive.Common.Doctor;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Waiting;

/// <summary>Shows whether the address of <c>Notify:Url</c> accepts what it is told. It sends nothing itself.</summary>
internal sealed class NotifyCheck(HiveOptions options, NotifyState state) : ICheck
{
    private const string Topic = "notifications";
    private const string Name = "Notify:Url";

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) => Task.FromResult<IReadOnlyList<Finding>>([Find()]);

    private Finding Find()
    {
        if (options.Notify.Url is null)
            return new Finding(Topic, Name, FindingState.Absent, "not set; only an open page tells what waits");
        if (state.Fault is { } fault)
            return new Finding(
                Topic,
                Name,
                FindingState.Failed,
                $"failed at {state.At:u}: {fault}",
                "Check the address with curl; Hive retries."
            );
        return new Finding(
            Topic,
            Name,
            FindingState.Ok,
            state.At is { } at
                ? string.Create(CultureInfo.InvariantCulture, $"accepted the last request at {at:u}")
                : "set; nothing had to be told yet"
        );
    }
}
