namespace Hive.Protocol;

/// <summary>What a proposal would change.</summary>
/// <param name="Id">The approval.</param>
/// <param name="Base">What it is compared with: <c>applied</c>, <c>approved</c> or <c>previous</c>.</param>
/// <param name="BaseSha">The commit behind that.</param>
/// <param name="Sha">The commit that is proposed.</param>
/// <param name="Files">The files that differ, <c>agent.yaml</c> first; none when there is no difference.</param>
/// <param name="FilesLeftOut">How many more there are.</param>
/// <param name="Truncated">There are even more, which were not counted.</param>
/// <param name="Note">Says in words that there is no difference.</param>
public sealed record ApprovalDiff(
    long Id,
    string Base,
    string BaseSha,
    string Sha,
    IReadOnlyList<DiffFile> Files,
    int? FilesLeftOut = null,
    bool? Truncated = null,
    string? Note = null
);

/// <summary>One file that differs.</summary>
/// <param name="Path">Its name, as it is after the change.</param>
/// <param name="Status"><c>added</c>, <c>modified</c>, <c>deleted</c>, <c>renamed</c>, <c>mode_changed</c> or
/// <c>type_changed</c>.</param>
/// <param name="Binary">Its content is no text and is not shown.</param>
/// <param name="Patch">What changes, as git writes it; absent when it is too much altogether.</param>
/// <param name="OldPath">Its name before, when it was renamed.</param>
/// <param name="OldMode">Its mode before, when that changes: <c>100644</c> a file, <c>100755</c> a program,
/// <c>120000</c> a link, <c>160000</c> a submodule.</param>
/// <param name="NewMode">Its mode afterwards, when that changes or is out of the ordinary.</param>
/// <param name="Additions">Lines that come.</param>
/// <param name="Deletions">Lines that go.</param>
/// <param name="Truncated">The patch is not there, or not to its end.</param>
public sealed record DiffFile(
    string Path,
    string Status,
    bool Binary,
    string? Patch = null,
    string? OldPath = null,
    string? OldMode = null,
    string? NewMode = null,
    int? Additions = null,
    int? Deletions = null,
    bool? Truncated = null
);
