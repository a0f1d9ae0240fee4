namespace Hive.Common;

/// <summary>This build of Hive. A page from another build must be reloaded.</summary>
/// <param name="Version">The version and the beginning of a hash of the build: <c>0.1.0+3f9a0c2b71de</c>.</param>
public sealed record HiveBuild(string Version);
