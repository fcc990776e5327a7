// The few LAPACK routines that Prism calls, as OpenBLAS exports them: Fortran symbols, 32-bit integers, and the
// lengths of character arguments at the end.

#include <stddef.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_length);

void dpotrs_(
    const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b, const int *ldb,
    int *info, size_t uplo_length);

void dsyev_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *info, size_t jobz_length, size_t uplo_length);

// OpenBLAS' own: the number of threads, on which the last bits of its results depend.
void openblas_set_num_threads(int count);
