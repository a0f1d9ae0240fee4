namespace Hive.Protocol;

/// <summary>One agent's row: what it is, whether it runs, what waits for it.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="Role"><c>agent</c> or <c>manager</c>.</param>
/// <param name="Runtime">What its container is: <c>sandbox</c>, <c>process</c> (no isolation) or <c>external</c> (no
/// container).</param>
/// <param name="Running">Its process lives; for <c>external</c>: somebody has its socket open.</param>
/// <param name="Failed">It ended by itself with an error and was not started again.</param>
/// <param name="Paused">It gets no new message until it is resumed.</param>
/// <param name="NeedsLogin">Its tool lost its login.</param>
/// <param name="NeedsUpdate">It runs on a configuration or a Hive other than the present one; a rebuild cures
/// that.</param>
/// <param name="Unread">Messages that wait for it.</param>
/// <param name="PendingReminders">Reminders it has set that are not delivered.</param>
/// <param name="Url">Its page on the dashboard.</param>
/// <param name="DeployedSha">The commit it was built from, 12 digits.</param>
/// <param name="StartedAt">When its process started.</param>
/// <param name="ActiveModel">The model its driver uses.</param>
/// <param name="StatusText">What it says of itself.</param>
/// <param name="StatusSetAt">When it said so.</param>
/// <param name="Delayed">Of the unread messages, those that failed and wait to be tried again.</param>
/// <param name="Parked">Messages that were set aside for the operator to retry or drop.</param>
/// <param name="Missing">What its driver lacks, and the way out: until then its messages stay unread.</param>
/// <param name="Note">Why it is not running, or what is weak about how it runs.</param>
public sealed record ContainerView(
    string Name,
    string Role,
    string Runtime,
    bool Running,
    bool Failed,
    bool Paused,
    bool NeedsLogin,
    bool NeedsUpdate,
    long Unread,
    long PendingReminders,
    string Url,
    string? DeployedSha = null,
    DateTimeOffset? StartedAt = null,
    string? ActiveModel = null,
    string? StatusText = null,
    DateTimeOffset? StatusSetAt = null,
    string? Note = null,
    long Delayed = 0,
    long Parked = 0,
    string? Missing = null
);
