namespace Hive.Protocol;

/// <summary>The changes of a proposal.</summary>
/// <param name="Id">The approval.</param>
/// <param name="Base">The base of the comparison: <c>applied</c>, <c>approved</c> or <c>previous</c>.</param>
/// <param name="BaseSha">The commit of the base.</param>
/// <param name="Sha">The proposed commit.</param>
/// <param name="Files">The files that differ, <c>agent.yaml</c> first; empty when nothing differs.</param>
/// <param name="FilesLeftOut">The number of further files.</param>
/// <param name="Truncated">True when there are even more files, which were not counted.</param>
/// <param name="Note">A sentence when nothing differs.</param>
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
/// <param name="Path">Its path after the change.</param>
/// <param name="Status"><c>added</c>, <c>modified</c>, <c>deleted</c>, <c>renamed</c>, <c>mode_changed</c> or
/// <c>type_changed</c>.</param>
/// <param name="Binary">The content is not text and is not shown.</param>
/// <param name="Patch">The change in git's format; absent when all patches together are too large.</param>
/// <param name="OldPath">Its path before, when it was renamed.</param>
/// <param name="OldMode">Its mode before, when the mode changes: <c>100644</c> a file, <c>100755</c> a program,
/// <c>120000</c> a link, <c>160000</c> a submodule.</param>
/// <param name="NewMode">Its mode afterwards, when the mode changes or is unusual.</param>
/// <param name="Additions">The number of added lines.</param>
/// <param name="Deletions">The number of deleted lines.</param>
/// <param name="Truncated">The patch is missing or cut.</param>
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
