namespace Hive.Protocol;

/// <summary>One agent's row: its container, its state and its waiting messages.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="Role"><c>agent</c> or <c>manager</c>.</param>
/// <param name="Runtime">The kind of its container: <c>sandbox</c>, <c>process</c> (no isolation) or <c>external</c>
/// (no container).</param>
/// <param name="Running">Its process is running; for <c>external</c>: its socket has a connection.</param>
/// <param name="Failed">It exited with an error and was not restarted.</param>
/// <param name="Paused">It receives no new message until it is resumed.</param>
/// <param name="NeedsLogin">Its tool lost its login.</param>
/// <param name="NeedsUpdate">It runs with an old configuration or an old Hive; a rebuild updates it.</param>
/// <param name="Unread">The number of its unread messages.</param>
/// <param name="PendingReminders">The number of its undelivered reminders.</param>
/// <param name="Url">Its page on the dashboard.</param>
/// <param name="DeployedSha">The commit it was built from, 12 digits.</param>
/// <param name="StartedAt">When its process started.</param>
/// <param name="ActiveModel">The model its driver uses.</param>
/// <param name="StatusText">Its own description of its work.</param>
/// <param name="StatusSetAt">When it set that text.</param>
/// <param name="Delayed">The number of unread messages that failed and wait for a retry.</param>
/// <param name="Parked">The number of messages that are parked for the operator to retry or drop.</param>
/// <param name="Missing">The program or file that its driver lacks, and the way out; its messages stay unread until
/// then.</param>
/// <param name="Note">Why it is not running, or a weakness of its container.</param>
/// <param name="Parts">The parts that other slices add to the row.</param>
/// <param name="Activity">What it is doing.</param>
/// <param name="Duty"><c>worker</c> or <c>validator</c>; without a duty it takes no tasks.</param>
/// <param name="Capabilities">With a duty: the abilities that tasks can require.</param>
/// <param name="Capacity">With a duty: how many tasks it takes at once.</param>
/// <param name="ActiveTasks">With a duty: the tasks it has now.</param>
/// <param name="Held">Why the host gives it no new messages, such as a budget that is used up.</param>
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
    string? Missing = null,
    AgentRowParts? Parts = null,
    Activity? Activity = null,
    string? Duty = null,
    IReadOnlyList<string>? Capabilities = null,
    int? Capacity = null,
    int? ActiveTasks = null,
    string? Held = null
);
