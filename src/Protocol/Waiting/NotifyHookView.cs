namespace Hive.Protocol;

/// <summary>The state of the hook that tells <c>Notify:Url</c> of what waits.</summary>
/// <param name="State">One of <see cref="NotifyHookState"/>.</param>
/// <param name="LastSentAt">When the address last accepted a request; absent while it never did.</param>
/// <param name="FailingSinceAt">When the first request of this outage failed.</param>
/// <param name="Reason">Why the last request failed, without the address and what was sent.</param>
/// <param name="NextAttemptAt">When the next request is sent; absent while nothing waits to be sent.</param>
public sealed record NotifyHookView(
    string State,
    DateTimeOffset? LastSentAt = null,
    DateTimeOffset? FailingSinceAt = null,
    string? Reason = null,
    DateTimeOffset? NextAttemptAt = null
);

/// <summary>The states of the hook.</summary>
public static class NotifyHookState
{
    /// <summary><c>Notify:Url</c> is not set.</summary>
    public const string Off = "off";

    /// <summary>The last request was accepted, or none has been sent since the start.</summary>
    public const string Ready = "ready";

    /// <summary>The last request failed.</summary>
    public const string Failing = "failing";
}
